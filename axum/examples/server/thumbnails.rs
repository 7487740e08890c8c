//! Pictures made smaller: decoding and scaling take some ten milliseconds of computing, in the handler itself. Who asks
//! for something light meanwhile does not wait for it.

use axum::body::Bytes;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use image::{ImageFormat, ImageReader, Limits};
use serde::Deserialize;
use std::io::Cursor;

/// The longest side of what is sent back, if nothing else is asked for.
const SIDE: u32 = 128;
/// The longest side that is asked for, and of what is taken.
const LONGEST: u32 = 1024;
const LONGEST_TAKEN: u32 = 8192;

#[derive(Deserialize)]
pub(crate) struct Size {
    side: Option<u32>,
}

/// Takes a PNG or JPEG, and sends a small PNG.
pub(crate) async fn thumbnail(Query(size): Query<Size>, picture: Bytes) -> Response {
    let side = size.side.unwrap_or(SIDE).clamp(1, LONGEST);
    match smaller(&picture, side) {
        Ok(small) => ([("content-type", "image/png")], small).into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, format!("{error}\n")).into_response(),
    }
}

fn smaller(picture: &[u8], side: u32) -> image::ImageResult<Vec<u8>> {
    let mut reader = ImageReader::new(Cursor::new(picture)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_TAKEN);
    limits.max_image_height = Some(LONGEST_TAKEN);
    reader.limits(limits);
    let mut small = Vec::new();
    reader
        .decode()?
        .thumbnail(side, side)
        .write_to(&mut Cursor::new(&mut small), ImageFormat::Png)?;
    Ok(small)
}
