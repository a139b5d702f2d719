//! Texts that are likely to matter, made of the fuzzer's bytes.

use arbitrary::{Result, Unstructured};

/// Returns a text of up to eight pieces: one of these, or any character.
pub fn text(u: &mut Unstructured<'_>, pieces: &[&str]) -> Result<String> {
    let mut text = String::new();
    for _ in 0..u.int_in_range(0..=8)? {
        match u.int_in_range(0..=3)? {
            0 => text.push(u.arbitrary()?),
            _ => text.push_str(u.choose(pieces)?),
        }
    }
    Ok(text)
}

/// Returns up to `most` items.
pub fn list<T>(
    u: &mut Unstructured<'_>,
    most: usize,
    mut item: impl FnMut(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    (0..u.int_in_range(0..=most)?).map(|_| item(u)).collect()
}

/// Returns a number up to `most`. Large ones, which take a target the longest, are rare: each power of two is as likely.
pub fn mostly_small(u: &mut Unstructured<'_>, most: usize) -> Result<usize> {
    let halvings = u.int_in_range(0..=most.ilog2())?;
    u.int_in_range(0..=most >> halvings)
}

/// Returns the name of a header: usually one with a meaning.
pub fn header_name(u: &mut Unstructured<'_>) -> Result<String> {
    const NAMES: &[&str] = &[
        "accept-encoding",
        "connection",
        "Connection",
        "content-encoding",
        "content-length",
        "Content-Length",
        "content-type",
        "cookie",
        "Cookie",
        "host",
        "keep-alive",
        "Set-Cookie",
        "set-cookie",
        "TE",
        "transfer-encoding",
        "upgrade",
        "x-a",
        "X-A",
        "x-amzn-lambda-context",
        "x-amzn-request-context",
        "X-Amzn-Trace-Id",
        "x-forwarded-for",
        "x-forwarded-proto",
    ];
    match u.int_in_range(0..=7)? {
        0 => text(u, &["a", "-", "x", " ", "\r\n", ":", "_"]),
        _ => Ok((*u.choose(NAMES)?).to_owned()),
    }
}

/// Returns the value of a header.
pub fn header_value(u: &mut Unstructured<'_>) -> Result<String> {
    const PIECES: &[&str] = &[
        "a",
        "x-a",
        "close",
        "keep-alive",
        "upgrade",
        "gzip",
        "identity",
        "host",
        "0",
        "1",
        "12",
        "http",
        "https",
        ", ",
        ",",
        ";",
        "; ",
        "=",
        " ",
        "\t",
        "\"",
        "\r\n",
        "\0",
        "example.com",
        "127.0.0.1:80",
        "text/plain",
        "x-amzn-request-context",
        "\u{e4}",
        "\u{7f}",
        "\u{2028}",
    ];
    text(u, PIECES)
}
