//! Hop-by-hop headers: RFC 9110, 7.6.1.

/// Returns `true` if a header describes the connection that it came over. The event source has another connection on its other
/// side.
fn is_hop_by_hop(name: &str) -> bool {
    [
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
    .iter()
    .any(|header| name.eq_ignore_ascii_case(header))
}

/// Which headers of a message are end-to-end, in the order of the headers.
///
/// A hop-by-hop header is not, nor is a header that `Connection` names.
pub(crate) struct EndToEndHeaders(Vec<bool>);

impl EndToEndHeaders {
    /// Finds the end-to-end headers. A header for which `is_kept` returns `true` counts as one whatever `Connection` says.
    pub(crate) fn new(headers: &[(String, String)], is_kept: impl Fn(&str) -> bool) -> Self {
        let are_end_to_end = headers.iter().map(|(name, _)| !is_hop_by_hop(name));
        let mut are_end_to_end: Vec<bool> = are_end_to_end.collect();
        let connections = headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
        let mut named = connections
            .flat_map(|(_, value)| value.split(','))
            .map(str::trim)
            .filter(|name| {
                !name.eq_ignore_ascii_case("close") && !is_hop_by_hop(name) && !is_kept(name)
            })
            .peekable();
        if named.peek().is_none() {
            return Self(are_end_to_end);
        }
        // A message may name as many headers as it has. A search in sorted headers finds each header once.
        let mut places: Vec<usize> = (0..headers.len()).collect();
        places.sort_unstable_by(|&a, &b| lower(&headers[a].0).cmp(lower(&headers[b].0)));
        for name in named {
            let start = places.partition_point(|&place| lower(&headers[place].0).lt(lower(name)));
            for &place in &places[start..] {
                if !headers[place].0.eq_ignore_ascii_case(name) || !are_end_to_end[place] {
                    break;
                }
                are_end_to_end[place] = false;
            }
        }
        Self(are_end_to_end)
    }
}

impl IntoIterator for EndToEndHeaders {
    type Item = bool;
    type IntoIter = std::vec::IntoIter<bool>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

fn lower(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(|byte| byte.to_ascii_lowercase())
}
