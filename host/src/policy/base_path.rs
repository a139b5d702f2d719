//! Base paths, which the host removes from the path of a request.

use std::str::FromStr;

use percent_encoding::percent_decode_str;

use super::value::read_from_str;

/// A base path: `/shop`, or `/{stage}/shop`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasePath(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// The stage of the request, if its path has one.
    Stage,
    /// This text, decoded.
    Literal(Vec<u8>),
}

const STAGE: &str = "{stage}";

read_from_str!(BasePath);

impl FromStr for BasePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|cause| {
            format!(
                "the base path \"{text}\" {cause}\nhint: write it as \"/shop\", or \"/{STAGE}\" for the stage of the API"
            )
        })
    }
}

impl BasePath {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let path = text.strip_prefix('/').ok_or("does not start with `/`")?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments = path.split('/').map(|segment| match segment {
            STAGE => Ok(Segment::Stage),
            "" | "." | ".." => Err("has an empty segment, `.` or `..`"),
            _ if segment.contains(['?', '#']) => Err("has a query or a fragment"),
            _ if segment.contains(['{', '}']) => Err("has braces around another word than `stage`"),
            _ => Ok(Segment::Literal(percent_decode_str(segment).collect())),
        });
        segments.collect::<Result<_, _>>().map(Self)
    }

    /// Returns the rest of a path that starts with this base path, which is empty or starts with `/`.
    ///
    /// A stage that the path does not have is passed over.
    #[must_use]
    pub fn strip<'p>(
        &self,
        path: &'p str,
        stage: Option<&str>,
        is_encoded: bool,
    ) -> Option<&'p str> {
        let mut rest = path;
        for segment in &self.0 {
            rest = match segment {
                Segment::Literal(literal) => behind(rest, literal, is_encoded)?,
                Segment::Stage => stage
                    .and_then(|stage| behind(rest, stage.as_bytes(), is_encoded))
                    .unwrap_or(rest),
            };
        }
        Some(rest)
    }
}

/// Returns what is behind the first segment of a path, if that is the expected one.
fn behind<'p>(path: &'p str, expected: &[u8], is_encoded: bool) -> Option<&'p str> {
    let path = path.strip_prefix('/')?;
    let end = path.find('/').unwrap_or(path.len());
    let (first, after) = path.split_at(end);
    let is_same = match is_encoded {
        true => percent_decode_str(first).eq(expected.iter().copied()),
        false => first.as_bytes() == expected,
    };
    is_same.then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_segments_are_removed() {
        let strip = |base: &str, path: &str| {
            let base = BasePath::parse(base).unwrap();
            base.strip(path, Some("dev"), true).map(str::to_owned)
        };
        for (base, path, rest) in [
            ("/shop", "/shop/a", "/a"),
            ("/shop/", "/shop", ""),
            ("/shop", "/shop/", "/"),
            ("/shop", "/shop//a", "//a"),
            ("/shop", "/sh%6fp/%61", "/%61"),
            ("/a%20b", "/a%20b/c", "/c"),
            ("/größe", "/gr%C3%B6%c3%9fe/1", "/1"),
            ("/shop/v2", "/shop/v2/a", "/a"),
            ("/{stage}", "/dev/a", "/a"),
            ("/{stage}/shop", "/dev/shop/a", "/a"),
            ("/shop/{stage}", "/shop/dev", ""),
            ("/shop/{stage}", "/shop/a", "/a"),
            ("/{stage}/shop", "/shop/a", "/a"),
            ("/{stage}", "/develop", "/develop"),
            ("/{stage}", "/{stage}/a", "/{stage}/a"),
        ] {
            assert_eq!(strip(base, path).as_deref(), Some(rest), "{base} {path}");
        }
        for (base, path) in [
            ("/shop", "/shopping"),
            ("/shop", "/sho"),
            ("/shop", "/"),
            ("/shop", ""),
            ("/shop", "shop/a"),
            ("/shop", "//shop/a"),
            ("/shop", "/Shop/a"),
            ("/shop", "/shop%2Fa"),
            ("/shop", "/a/shop"),
            ("/shop/v2", "/shop"),
            ("/shop/{stage}", "/dev/a"),
        ] {
            assert_eq!(strip(base, path), None, "{base} {path}");
        }
    }

    #[test]
    fn a_path_that_is_decoded_is_compared_as_it_is() {
        let base = BasePath::parse("/a%20b").unwrap();
        assert_eq!(base.strip("/a b/c", None, false), Some("/c"));
        assert_eq!(base.strip("/a%20b/c", None, false), None);
    }
}
