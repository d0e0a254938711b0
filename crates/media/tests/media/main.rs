//! What attachments are taken for, and what is made of them.

mod hostile;
mod made;
mod samples;

use std::path::Path;

/// A file of the samples.
fn sample(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/samples/channels/media").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
