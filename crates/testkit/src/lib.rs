//! Samples, fakes and a hand-set clock for tests
