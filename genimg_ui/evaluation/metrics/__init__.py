"""Metrics: `catalogue` names them (light), `scoring` computes them (imports torch).

scorer = scoring.open_scorer(names)              # names of catalogue.METRICS
scorer.unavailable                               # tuple[Unavailable, ...]
scorer.score(pairs)                              # list[dict[name, Score]], one for each pair
scorer.score_set(pairs)                          # dict[name, SetScore], of one model's pairs
"""
