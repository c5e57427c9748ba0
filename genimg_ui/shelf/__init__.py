"""The models page without the page: what is here, what fits, fetching, adding, removing."""
