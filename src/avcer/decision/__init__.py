"""Decision: align (one clock) -> policy -> segments, for each face by timelines.

A policy fuses and decides: under the source work's rules fuse -> compound, which names pairs; under the rule ``open``
weigh -> likely -> express, which says neutral, one emotion or a blend. ``baseline`` takes a face's own rest off before;
``smoothing`` and ``steady`` choose labels for stretches after; ``blend`` answers BLEMORE's question.
"""
