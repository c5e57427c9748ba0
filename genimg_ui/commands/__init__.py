"""The commands of `python -m genimg_ui`; `cli.py` reads the flags and calls them."""
