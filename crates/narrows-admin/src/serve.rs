//! [`Admin`]: answers.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use narrows_log::Via;
use narrows_server::Backoff;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::api::{Decisions, Paging, Tunnels};
use crate::listen::{Io, Listener};
use crate::status::{Bytes as RouteBytes, Requests, Status};
use crate::subject::Subject;
use crate::throughput::{MOMENT, Moments};
use crate::watch::{Watch, place};
use crate::{exposition, guard, page};

/// A server's admin listener. Nothing happens until [`Admin::serve`].
#[derive(Clone)]
pub struct Admin(Arc<State>);

/// What answers are made of.
pub(crate) struct State {
    moments: Moments,
    subject: Box<dyn Subject>,
    pub(crate) watch: Arc<Watch>,
}

/// Connections at a time: browsers, scrapers and probes are few.
const CONNECTIONS: usize = 64;
/// How long a connection may be silent.
const SILENT: Duration = Duration::from_secs(30);
/// How long one connection may last, whatever is asked on it: readers that take nothing give their places back.
const LASTS: Duration = Duration::from_secs(60);
/// The longest head of a request; hyper wants 8 KiB at least.
const HEAD: usize = 16 * 1024;
/// Failed requests that [`Status`] names.
const ERRORS: usize = 10;

/// Nothing but our own files, and no place in another page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// === impl Admin ===

impl Admin {
    /// Tells what `watch` sees and what `subject` knows.
    pub fn new(subject: impl Subject, watch: Arc<Watch>) -> Self {
        Self(Arc::new(State {
            moments: Moments::default(),
            subject: Box::new(subject),
            watch,
        }))
    }

    /// The state of now.
    pub fn status(&self) -> Status {
        self.0.status()
    }

    /// Answers for ever.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the listener; answers that are under way are finished by tasks of the
    /// runtime.
    pub async fn serve(self, listener: Listener) {
        let moments = async {
            let mut clock = interval(MOMENT);
            clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                clock.tick().await;
                self.0.moments.tick(&self.0.watch);
            }
        };
        tokio::select! {
            () = self.accept(&listener) => {}
            () = moments => {}
        }
    }

    async fn accept(&self, listener: &Listener) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut backoff = Backoff::of("admin");
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok(io) => {
                    backoff.reset();
                    let state = Arc::clone(&self.0);
                    tokio::spawn(async move {
                        let _place = place;
                        connection(state, io).await;
                    });
                }
                Err(error) => backoff.after(&error).await,
            }
        }
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("watch", &self.0.watch)
            .finish_non_exhaustive()
    }
}

/// Serves one connection. What goes wrong on it is its client's business.
async fn connection(state: Arc<State>, io: Box<dyn Io>) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let (parts, _body) = request.into_parts();
        let answer = state.answer(&parts);
        async move { Ok::<_, Infallible>(answer) }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(SILENT)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(io), answer);
    let _ = timeout(LASTS, serving).await;
}

// === impl State ===

impl State {
    pub(crate) fn status(&self) -> Status {
        let facts = self.subject.facts();
        let (watch, tallies) = (&self.watch, &self.watch.tallies);
        let totals = watch.live.totals();
        let bytes: Vec<RouteBytes> = Via::ALL
            .into_iter()
            .map(|via| {
                let total = totals[place(via)];
                RouteBytes {
                    via: via.as_str().to_owned(),
                    open: total.open,
                    carried: tallies.opened_by(place(via)),
                    sent: total.sent,
                    received: total.received,
                }
            })
            .collect();
        let requests = Requests {
            carried: bytes.iter().map(|row| row.carried).sum(),
            open: bytes.iter().map(|row| row.open).sum(),
            refused: tallies.refusals().map(|(.., count)| count).sum(),
            would_deny: tallies.would_deny(),
            fallbacks: (0..totals.len()).map(|way| tallies.fallbacks_by(way)).sum(),
        };
        let faults = watch.recent.faults(ERRORS);
        Status {
            program: facts.program.to_owned(),
            version: facts.version.to_owned(),
            process: std::process::id(),
            since: crate::watch::unix_ms(Duration::from_secs_f64(watch.since_unix)),
            up_seconds: watch.since.elapsed().as_secs(),
            ready: facts.ready,
            report_only: facts.report_only,
            listen: facts.listen,
            configuration: facts.configuration,
            routes: facts.routes,
            parties: facts.parties,
            requests,
            bytes,
            log: facts.log,
            descriptors: facts.descriptors,
            errors: faults.iter().map(Into::into).collect(),
        }
    }

    /// The answer to a request, whose body nobody reads.
    fn answer(&self, parts: &Parts) -> Response<Full<Bytes>> {
        let mut answer = match guard::check(parts) {
            Ok(()) => self.find(parts.uri.path(), parts.uri.query().unwrap_or("")),
            Err((status, why)) => plain(status, &format!("{why}\n")),
        };
        if parts.method == Method::HEAD {
            *answer.body_mut() = Full::default();
        }
        let headers = answer.headers_mut();
        for (name, value) in [
            (header::CACHE_CONTROL, "no-store"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (CROSS_ORIGIN, "same-origin"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        answer
    }

    fn find(&self, path: &str, query: &str) -> Response<Full<Bytes>> {
        let paging = Paging::parse(query);
        match path {
            "/metrics" => typed(exposition::CONTENT_TYPE, exposition::write(self)),
            "/healthz" => plain(StatusCode::OK, "ok\n"),
            "/readyz" if self.subject.facts().ready => plain(StatusCode::OK, "ready\n"),
            "/readyz" => plain(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
            "/api/status" => json(&self.status()),
            "/api/throughput" => json(&self.moments.read()),
            "/api/tunnels" => json(&Tunnels::of(&self.watch, &paging)),
            "/api/decisions" => json(&Decisions::of(&self.watch, paging.limit)),
            "/api/explain" => match self.subject.explain(paging.host.trim()) {
                Ok(explained) => json(&explained),
                Err(why) => plain(StatusCode::BAD_REQUEST, &format!("{why}\n")),
            },
            _ => match page::file(path) {
                Some((kind, text)) => typed(kind, text),
                None => plain(StatusCode::NOT_FOUND, "there is nothing here\n"),
            },
        }
    }
}

const CROSS_ORIGIN: header::HeaderName =
    header::HeaderName::from_static("cross-origin-resource-policy");

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut answer = typed("text/plain; charset=utf-8", text.to_owned());
    *answer.status_mut() = status;
    answer
}

fn json(value: &impl Serialize) -> Response<Full<Bytes>> {
    // Texts, numbers and lists: none can fail.
    let text = serde_json::to_string(value).unwrap_or_default();
    typed("application/json", text)
}

fn typed(kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(body.into()));
    let kind = HeaderValue::from_static(kind);
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

#[cfg(test)]
mod tests;
