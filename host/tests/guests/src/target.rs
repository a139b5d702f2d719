//! What is asked for: a path and a query, as in a URL.

/// Where no number is given for a wait, it is beyond every test's patience.
const LONG: u64 = 600_000;

/// A path with its query.
pub struct Target {
    path: String,
    query: Vec<(String, String)>,
}

impl Target {
    /// Reads `/path?name=value&name=value`. A name without a value has an empty one.
    pub fn parse(path_with_query: &str) -> Self {
        let (path, query) = path_with_query
            .split_once('?')
            .unwrap_or((path_with_query, ""));
        let parameter = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        };
        Self {
            path: path.trim_start_matches('/').to_owned(),
            query: query.split('&').map(parameter).collect(),
        }
    }

    /// The path without its first slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// A parameter's value.
    pub fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.query.iter().find(|(key, _)| key == name)?;
        Some(value)
    }

    /// Whether the parameter is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.text(name).is_some()
    }

    /// A parameter that is a number.
    pub fn number(&self, name: &str, default: u64) -> u64 {
        self.text(name)
            .and_then(|value| value.parse().ok())
            .unwrap_or(default)
    }

    /// The parameter `ms`.
    pub fn millis(&self) -> u64 {
        self.number("ms", LONG)
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        rest = others;
        let escaped = (*first == b'%')
            .then(|| std::str::from_utf8(others.get(..2)?).ok())
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if escaped.is_some() {
            rest = &others[2..];
        }
        bytes.push(escaped.unwrap_or(*first));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A URL's parts: whether it is `https`, the authority, and the path with the query.
pub fn url_parts(url: &str) -> (bool, &str, &str) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let path = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(path);
    (scheme == "https", authority, path)
}
