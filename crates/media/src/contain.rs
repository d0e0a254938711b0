//! Keeps a panic of somebody else's decoder from whoever called us.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::Refused;

/// Runs code that reads hostile bytes and is not ours.
///
/// Decoders reckon with numbers of the file. Where they overlook that one overflows, our release builds panic, because they check that for
/// dependencies too: the file is refused then, and whoever examines it lives on.
pub(crate) fn contain<T>(read: impl FnOnce() -> Result<T, Refused>) -> Result<T, Refused> {
    // Nothing that was half done is seen again: `read` owns what it changes.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(Refused::Unreadable))
}
