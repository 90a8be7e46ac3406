"""resets_third"""
