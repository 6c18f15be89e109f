"""Operations on frames that several models share."""
