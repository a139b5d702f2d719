//! Takes the event that S3 sends when objects were created, and returns which images need a thumbnail.

use lambda_wasm_guest::events::s3::S3Event;
use lambda_wasm_guest::{Context, Error, Result, handler, log};
use percent_encoding::percent_decode_str;
use serde::Serialize;

handler!(handle);

#[derive(Serialize)]
struct Thumbnail {
    bucket: String,
    image: String,
    thumbnail: String,
}

fn handle(event: S3Event, context: Context) -> Result<Vec<Thumbnail>> {
    log::info!("{} of {} records", context.request_id, event.records.len());
    let mut thumbnails = Vec::new();
    for record in event.records {
        let missing = || Error::new("InvalidRecord", "the record names no object");
        let bucket = record.s3.bucket.name.ok_or_else(missing)?;
        let key = record.s3.object.key.ok_or_else(missing)?;
        // S3 encodes keys as forms do.
        let image = percent_decode_str(&key.replace('+', " "))
            .decode_utf8()?
            .into_owned();
        match image.rsplit_once('.') {
            Some((name, "jpg" | "png")) => thumbnails.push(Thumbnail {
                bucket,
                thumbnail: format!("thumbnails/{name}.webp"),
                image,
            }),
            _ => log::warn!("{image} is not an image"),
        }
    }
    Ok(thumbnails)
}
