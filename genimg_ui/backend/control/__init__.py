"""Control maps: what a ControlNet is shown of the picture, pixel by pixel on the crop."""
