"""Measured quality: protocols, seeded masks, metrics and their statistics (docs/evaluation.md).

Nothing that the page imports at start may import `metrics.scoring` or what it needs: torch is
behind it. Protocols, masks, the catalogue of metrics and statistics are light.
"""
