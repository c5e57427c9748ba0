"""A small diffusion model of a world of shapes: its world, its parts and its judge."""
