"""Reading files of scored answers: encodings, formats, columns, problems.

Judging what was read is by_file/.
"""
