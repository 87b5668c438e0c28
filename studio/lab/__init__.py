"""What the live lab on the site runs on: networks, galleries and rates as files for a browser."""
