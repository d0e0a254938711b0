//! What an attachment is.

use zholdary_domain::{Personal, Point};

use crate::{Kind, Limits, Orientation, Refused, TakenAt, boxes, camera, contain::contain, decode, whole};

/// What an attachment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Its kind, by its content.
    pub kind: Kind,
    /// Its media type: the only one under which it may be given out.
    pub media_type: &'static str,
    /// What is known of it as a picture, when it is one.
    pub picture: Option<Picture>,
}

/// What is known of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// How wide it is as stored, before it is set upright; pixels.
    pub width: u32,
    /// How high it is as stored, before it is set upright; pixels.
    pub height: u32,
    /// How it is set upright. One that does not say stands upright.
    pub orientation: Orientation,
    /// When the camera says that it was taken.
    pub taken_at: Option<TakenAt>,
    /// Where the camera says that it was taken: to be offered, never believed, for people send old and forwarded pictures. The caller
    /// checks whether it lies in the city.
    pub point: Option<Personal<Point>>,
    /// Whether the file comes to its end. One that does not was cut on its way, and shows grey where its rest is missing.
    pub is_whole: bool,
}

/// Says what an attachment is and reads what its camera noted. Names and labels do not count, and nothing is decoded.
///
/// # Errors
///
/// Why it is not taken.
pub fn examine(bytes: &[u8], limits: &Limits) -> Result<Examined, Refused> {
    let kind = Kind::of(bytes)?;
    if bytes.len() > limits.max_bytes(kind) {
        return Err(Refused::TooLarge);
    }
    let picture = match whole::is_whole(kind, bytes) {
        Some(is_whole) => Some(picture(bytes, kind, is_whole, limits)?),
        None => None,
    };
    Ok(Examined { kind, media_type: kind.media_type(), picture })
}

fn picture(bytes: &[u8], kind: Kind, is_whole: bool, limits: &Limits) -> Result<Picture, Refused> {
    let (width, height) = match decode::format(kind) {
        Some(format) => contain(|| decode::dimensions(bytes, format, limits))?,
        // Every HEIC tells its size; one that does not opens nowhere.
        None => boxes::dimensions(bytes).ok_or(Refused::Unreadable)?,
    };
    limits.check_sides(width, height)?;
    let noted = camera::noted(bytes);
    Ok(Picture {
        width,
        height,
        orientation: noted.orientation.unwrap_or(Orientation::UPRIGHT),
        taken_at: noted.taken_at,
        point: noted.point,
        is_whole,
    })
}
