"""Files for other programs: one result as PNG, WebP, JPEG, TIFF, OpenRaster or PSD."""
