"""What happens when something on the page is used; each module connects one concern."""
