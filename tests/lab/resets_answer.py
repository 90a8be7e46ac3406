"""resets_answer"""
