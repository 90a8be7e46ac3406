"""resets_abort"""
