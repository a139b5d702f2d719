//! Requests that a function sends: over a connection that the host has kept, or over a new one for each invocation.

use std::path::Path;

use anyhow::ensure;

use super::{
    GENERATIONS,
    warm::{self, Portions},
};
use crate::{
    args::Effort,
    cpus::Cpus,
    event::Event,
    lineup::Lineup,
    report,
    subject::Subject,
    upstream::{ANSWER, Authority, Connections, Upstream},
};

/// The use of the connections, and whether they have TLS, in the order of the subjects.
const SERVERS: [(Connections, bool); 5] = [
    (Connections::Kept, true),
    (Connections::Closed, true),
    (Connections::Forgotten, true),
    (Connections::Kept, false),
    (Connections::Closed, false),
];

/// A table of the time of a call that sends one request.
pub fn requests(
    bootstrap: &Path,
    component: &Path,
    cpus: &Cpus,
    effort: &Effort,
) -> anyhow::Result<String> {
    let authority = Authority::new()?;
    let (mut upstreams, mut subjects) = (Vec::new(), Vec::new());
    for (connections, is_tls) in SERVERS {
        let upstream = Upstream::start(is_tls.then_some(&authority), connections)?;
        let origin = &upstream.origin;
        let mut subject = Subject::new(origin, bootstrap, component)?;
        subject.give_policy(&format!("[http]\nallow = [\"{origin}\"]\n"))?;
        subject.give_variable("URL", origin);
        subject.give_variable("SSL_CERT_FILE", &authority.file().to_string_lossy());
        upstreams.push(upstream);
        subjects.push(subject);
    }
    let lineup = Lineup {
        subjects,
        reference: 0,
    };
    const BLOCK: usize = 10;
    let portions = Portions {
        generations: GENERATIONS,
        turns: effort.calls.div_ceil(10 * GENERATIONS * BLOCK),
        block: BLOCK,
        warm_up: BLOCK,
    };
    let event = Event::get("/get", ANSWER)?;
    let p50 = warm::medians("one request", &lineup, cpus, &portions, &event)?;
    for (upstream, (connections, _)) in upstreams.iter().zip(SERVERS) {
        let each = match connections {
            Connections::Kept => 1,
            _ => portions.warm_up + portions.turns * portions.block,
        };
        let (expected, accepted) = (GENERATIONS * each, upstream.accepted());
        ensure!(
            accepted == expected,
            "{accepted} connections were made to {} instead of {expected}",
            upstream.origin
        );
    }
    let header = [
        "",
        "connection kept",
        "a new one for each",
        "and a new TLS session",
    ];
    let https = [
        "https".to_owned(),
        p50.cell(0, 0),
        p50.cell(1, 0),
        p50.cell(2, 0),
    ];
    let http = [
        "http".to_owned(),
        p50.cell(3, 3),
        p50.cell(4, 3),
        "-".to_owned(),
    ];
    let rows = vec![https.to_vec(), http.to_vec()];
    Ok(report::table(header.map(str::to_owned).to_vec(), rows))
}
