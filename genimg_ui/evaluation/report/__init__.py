"""report.html: tables, plots, worst and best cases and a montage in one file, without a script."""
