//! Text in, understanding out: language, categories, place, danger; pure
