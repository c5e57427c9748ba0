"""Pure functions over pictures, masks and geometry: no files, clock, torch or Gradio."""
