//! What the tests of the whole system share: what a log tells, and what must hold of it. The tests stand in `system/` and
//! `simulation/`, the samples in `samples/`.

mod told;

pub use told::Told;
