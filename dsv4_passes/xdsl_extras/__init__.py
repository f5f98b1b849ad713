"""What xDSL lacks: general pieces that know nothing of this project and could go upstream."""
