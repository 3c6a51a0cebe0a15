"""Ranking: which images match, CMC, mAP, mINP and what else is read off a ranking."""
