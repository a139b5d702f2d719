//! The common parts of the functions.

/// The size of one read of a body, in bytes.
pub const PIECE: usize = 64 * 1024;

/// The response to a path.
pub enum Answer {
    Text(u16, String),
    /// The request's body, and its type.
    Echo,
}

impl Answer {
    /// The answer to a path.
    pub fn to(path: Option<&str>) -> Self {
        match path {
            Some("/echo-body") => Self::Echo,
            Some(path) if path.starts_with("/hello/") => {
                let name = &path["/hello/".len()..];
                Self::Text(200, format!("Hello, {name}!\n"))
            }
            _ => Self::Text(404, "no such path\n".to_owned()),
        }
    }
}
