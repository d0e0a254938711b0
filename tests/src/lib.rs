//! Nothing lives here: the tests stand in `system/`, the samples in `samples/`.
