"""The models that the project trains itself. The app never imports from here."""
