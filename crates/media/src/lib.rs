//! Bytes of an attachment in; what it is and what of it may be shown out.
//!
//! [`examine`] says what a file is by its content alone and reads what the camera noted; [`derive()`] makes the copies that others may see.
//! Pure over bytes: no disk, network or clock. Both take time that grows with the picture, so they belong off the async workers.

mod archive;
mod boxes;
mod camera;
mod contain;
mod decode;
mod derive;
mod examine;
mod kind;
mod limits;
mod markup;
mod print;
mod refused;
mod whole;

pub use camera::{Orientation, TakenAt};
pub use derive::{Derived, derive};
pub use examine::{Examined, Picture, examine};
pub use kind::Kind;
pub use limits::Limits;
pub use print::{BadPrint, NEAR, Print};
pub use refused::Refused;

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
