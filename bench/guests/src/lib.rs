//! What the hello functions have in common.

/// The status and the text that a path is answered with.
pub fn hello(path: Option<&str>) -> (u16, String) {
    match path.and_then(|path| path.strip_prefix("/hello/")) {
        Some(name) => (200, format!("Hello, {name}!\n")),
        None => (404, "no such path\n".to_owned()),
    }
}
