"""Models of a single file that spandrel recognises: removal without a prompt, and upscaling."""
