"""StyleLipSync (Ki and Min, ICCV 2023): lip synchronisation with a style-based generator, complete and trainable.

Sources: arXiv 2305.00521 and the authors' public inference code and checkpoint listing. What neither states is ours and
is said to be ours where it is decided.
"""
