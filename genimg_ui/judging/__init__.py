"""People's judgement: studies of pairs of pictures, answers, ranking and agreement."""
