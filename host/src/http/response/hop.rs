//! Headers of one connection, which an event source's is not: RFC 9110, 7.6.1.

/// Whether a header is about the connection that it came over. Passed on, it would tell the next one what is not so: the event
/// sources have connections of their own on both sides.
fn is_of_hop(name: &str) -> bool {
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
    .any(|of_hop| name.eq_ignore_ascii_case(of_hop))
}

/// Says of each header of a message whether it goes on: not those of the connection, with whatever else `Connection` names.
/// A header for which `is_kept` returns `true` goes on whatever `Connection` says.
pub fn onward(headers: &[(String, String)], is_kept: impl Fn(&str) -> bool) -> Vec<bool> {
    let mut goes_on: Vec<bool> = headers.iter().map(|(name, _)| !is_of_hop(name)).collect();
    let connections = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
    let mut named = connections
        .flat_map(|(_, value)| value.split(','))
        .map(str::trim)
        .filter(|name| !name.eq_ignore_ascii_case("close") && !is_of_hop(name) && !is_kept(name))
        .peekable();
    if named.peek().is_none() {
        return goes_on;
    }
    // The message may name as many headers as it has, so they are looked up in order, and each only once.
    let mut places: Vec<usize> = (0..headers.len()).collect();
    places.sort_unstable_by(|&a, &b| lower(&headers[a].0).cmp(lower(&headers[b].0)));
    for name in named {
        let start = places.partition_point(|&place| lower(&headers[place].0).lt(lower(name)));
        for &place in &places[start..] {
            if !headers[place].0.eq_ignore_ascii_case(name) || !goes_on[place] {
                break;
            }
            goes_on[place] = false;
        }
    }
    goes_on
}

fn lower(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(|byte| byte.to_ascii_lowercase())
}
