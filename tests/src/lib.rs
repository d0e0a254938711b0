//! Nothing lives here: see `system/`.
