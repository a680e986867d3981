//! Every server of the laboratory, and what is to be said about it on a direct path.

use std::net::SocketAddr;

use narrows_tests::lab::{Chain, Filter, Lab, OldServer, Page, TlsServer, Wire};
use narrows_tests::{program, raw};
use narrows_tls_probe::{Certainty, Party, Step};

/// One server and its verdict.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    server: Server,
    /// The ids that are right. More than one where the system decides what is seen: an RST may overtake
    /// the connection's success.
    pub(crate) ids: &'static [&'static str],
    pub(crate) step: Step,
    pub(crate) party: Party,
    pub(crate) certainty: Certainty,
}

enum Server {
    /// Nobody listens.
    Nobody,
    /// OpenSSL's own, with these options.
    Old(&'static [&'static str]),
    Tls(TlsServer),
    Wire(Wire),
}

/// The servers that could be started, with their cases. Dropping it ends those that are programs.
pub(crate) struct Started {
    pub(crate) cases: Vec<(&'static Case, SocketAddr)>,
    _programs: Vec<OldServer>,
}

impl Started {
    pub(crate) fn servers(&self) -> Vec<SocketAddr> {
        self.cases.iter().map(|(_, server)| *server).collect()
    }
}

/// Starts every server. Those that are OpenSSL's are left out, loudly, where there is none.
pub(crate) fn start(lab: &Lab) -> Started {
    let openssl = program::installed(&["openssl"]);
    let (mut cases, mut programs) = (Vec::new(), Vec::new());
    for case in CASES {
        let address = match case.server {
            Server::Nobody => raw::closed_port(),
            Server::Tls(server) => lab.tls(server),
            Server::Wire(wire) => lab.wire(wire),
            Server::Old(options) => {
                let Some(old) = openssl.then(|| OldServer::start(lab, options)).flatten() else {
                    continue;
                };
                programs.push(old);
                programs[programs.len() - 1].address
            }
        };
        cases.push((case, address));
    }
    Started {
        cases,
        _programs: programs,
    }
}

const fn case(
    name: &'static str,
    server: Server,
    ids: &'static [&'static str],
    (step, party, certainty): (Step, Party, Certainty),
) -> Case {
    Case {
        name,
        server,
        ids,
        step,
        party,
        certainty,
    }
}

const fn good(name: &'static str, server: TlsServer) -> Case {
    let whole = (Step::Http, Party::Nobody, Certainty::Proved);
    case(name, Server::Tls(server), &["reachable"], whole)
}

const fn cut(name: &'static str, server: Wire, ids: &'static [&'static str]) -> Case {
    // Every name and size fails alike, so nothing shows who it is.
    let usual = (Step::Tls, Party::Firewall, Certainty::Guess);
    case(name, Server::Wire(server), ids, usual)
}

const fn certificate(
    chain: Chain,
    ids: &'static [&'static str],
    blame: (Party, Certainty),
) -> Case {
    let blame = (Step::Certificate, blame.0, blame.1);
    case(ids[0], Server::Tls(TlsServer::with(chain)), ids, blame)
}

const GOOD: TlsServer = TlsServer::with(Chain::Good);

pub(crate) const CASES: &[Case] = &[
    good("in order", GOOD),
    good("TLS 1.2 at most", GOOD.at_most(12)),
    good("no such page", GOOD.saying(Page::Missing)),
    good("slow", GOOD.except(Filter::Slow)),
    good("large hello intolerant", GOOD.except(Filter::LargeHello)),
    case(
        "nobody listens",
        Server::Nobody,
        &["tcp.refused"],
        (Step::Connect, Party::Target, Certainty::Guess),
    ),
    cut(
        "FIN after hello",
        Wire::CloseAfterHello,
        &["tls.closed_after_client_hello"],
    ),
    cut(
        "RST after hello",
        Wire::ResetAfterHello,
        &["tls.reset_after_client_hello"],
    ),
    cut("silence", Wire::Silence, &["tls.no_server_hello"]),
    case(
        "plain HTTP",
        Server::Wire(Wire::HttpPlain),
        &["tls.plaintext_http"],
        (Step::Tls, Party::Target, Certainty::Proved),
    ),
    case(
        "470",
        Server::Wire(Wire::Http470),
        &["http.denied_by_firewall"],
        (Step::Tls, Party::Firewall, Certainty::Proved),
    ),
    case(
        "garbage",
        Server::Wire(Wire::Garbage),
        &["tls.not_tls"],
        (Step::Tls, Party::Target, Certainty::Likely),
    ),
    case(
        "SSH",
        Server::Wire(Wire::Ssh),
        &["tls.not_tls"],
        (Step::Tls, Party::Target, Certainty::Proved),
    ),
    case(
        "handshake_failure",
        Server::Wire(Wire::Alert(40)),
        &["tls.alert.handshake_failure"],
        (Step::Tls, Party::Target, Certainty::Guess),
    ),
    case(
        "unrecognized_name",
        Server::Wire(Wire::Alert(112)),
        &["tls.alert.unrecognized_name"],
        (Step::Tls, Party::Target, Certainty::Likely),
    ),
    case(
        "TLS 1.0 at most",
        Server::Old(&["-tls1", "-cipher", "ALL:@SECLEVEL=0"]),
        &["tls.version_unsupported"],
        (Step::Tls, Party::Target, Certainty::Proved),
    ),
    case(
        "TLS 1.1 at most",
        Server::Old(&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]),
        &["tls.version_unsupported"],
        (Step::Tls, Party::Target, Certainty::Proved),
    ),
    case(
        "old cipher suites",
        Server::Old(&["-tls1_2", "-cipher", "AES128-SHA"]),
        &["tls.no_common_cipher"],
        (Step::Tls, Party::Target, Certainty::Proved),
    ),
    certificate(
        Chain::Expired,
        &["cert.expired"],
        (Party::Target, Certainty::Likely),
    ),
    certificate(
        Chain::NotYetValid,
        &["cert.not_yet_valid"],
        (Party::ThisHost, Certainty::Likely),
    ),
    certificate(
        Chain::SelfSigned,
        &["cert.self_signed"],
        (Party::Target, Certainty::Likely),
    ),
    certificate(
        Chain::WrongName,
        &["cert.name_mismatch"],
        (Party::Target, Certainty::Likely),
    ),
    certificate(
        Chain::WrongPurpose,
        &["cert.invalid"],
        (Party::Target, Certainty::Likely),
    ),
    certificate(
        Chain::MissingIntermediate,
        &["cert.incomplete_chain"],
        (Party::Target, Certainty::Likely),
    ),
    certificate(
        Chain::UnknownAuthority,
        &["cert.unknown_issuer"],
        (Party::Unknown, Certainty::Likely),
    ),
    case(
        "block page over intercepted TLS",
        Server::Tls(TlsServer::with(Chain::Intercepted).saying(Page::Blocked)),
        &["cert.intercepted"],
        (Step::Certificate, Party::Firewall, Certainty::Proved),
    ),
    case(
        "one name filtered",
        Server::Tls(GOOD.except(Filter::Name("localhost"))),
        &["tls.sni_filtered"],
        (Step::Tls, Party::Firewall, Certainty::Proved),
    ),
    case(
        "RST in mid-handshake",
        Server::Tls(GOOD.except(Filter::ResetMidFlight)),
        &["tls.reset_mid_handshake"],
        (Step::Tls, Party::Firewall, Certainty::Guess),
    ),
    case(
        "FIN in mid-handshake",
        Server::Tls(GOOD.except(Filter::CloseMidFlight)),
        &["tls.closed_mid_handshake"],
        (Step::Tls, Party::Firewall, Certainty::Guess),
    ),
    case(
        "silence in mid-handshake",
        Server::Tls(GOOD.except(Filter::StallMidFlight)),
        &["tls.stalled_mid_handshake"],
        (Step::Tls, Party::Network, Certainty::Guess),
    ),
    case(
        "ALPN",
        Server::Tls(GOOD.speaking("imap")),
        &["alpn.no_overlap"],
        (Step::Tls, Party::Target, Certainty::Likely),
    ),
    case(
        "client certificate, TLS 1.3",
        Server::Tls(GOOD.for_known_clients()),
        &["tls.client_cert_required"],
        (Step::Http, Party::Target, Certainty::Proved),
    ),
    case(
        "client certificate, TLS 1.2",
        Server::Tls(GOOD.for_known_clients().at_most(12)),
        &["tls.client_cert_required"],
        (Step::Tls, Party::Target, Certainty::Proved),
    ),
    case(
        "no answer",
        Server::Tls(GOOD.saying(Page::Silent)),
        &["http.timeout"],
        (Step::Http, Party::Target, Certainty::Guess),
    ),
    case(
        "FIN instead of an answer",
        Server::Tls(GOOD.saying(Page::Empty)),
        &["http.empty_reply"],
        (Step::Http, Party::Target, Certainty::Guess),
    ),
    case(
        "RST instead of an answer",
        Server::Tls(GOOD.saying(Page::Reset)),
        &["http.reset"],
        (Step::Http, Party::Unknown, Certainty::Guess),
    ),
    case(
        "RST on accept",
        Server::Wire(Wire::ResetOnAccept),
        &[
            "tcp.reset_on_accept",
            "tls.reset_before_server_hello",
            "tls.reset_after_client_hello",
        ],
        (Step::Tls, Party::Firewall, Certainty::Guess),
    ),
    case(
        "FIN on accept",
        Server::Wire(Wire::CloseOnAccept),
        &[
            "tcp.closed_on_accept",
            "tls.closed_before_server_hello",
            "tls.closed_after_client_hello",
        ],
        (Step::Tls, Party::Firewall, Certainty::Guess),
    ),
];
