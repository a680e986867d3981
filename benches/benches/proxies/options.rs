//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

/// How much is measured.
#[derive(Debug)]
pub(crate) struct Options {
    /// How often everything that is compared takes its turn.
    pub(crate) rounds: usize,
    /// How long one measurement lasts, after a warm-up of a fifth of it.
    pub(crate) span: Duration,
    /// Idle tunnels; as many as the descriptors allow when there are fewer of those.
    pub(crate) idle: usize,
    /// Only whoever's name is among these takes part; everybody when empty.
    pub(crate) peers: Vec<String>,
    /// The `narrows-proxy` to measure, instead of one built for the purpose.
    pub(crate) proxy: Option<PathBuf>,
    /// Stay in the machine's own network.
    pub(crate) here: bool,
    /// The parts to measure; all of them when empty.
    only: Vec<String>,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Wanted {
    Run(Options),
    /// Nothing but to say this.
    Text(&'static str),
}

impl Options {
    /// Reads the arguments.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub(crate) fn read(arguments: &[String]) -> Result<Wanted, String> {
        let mut options = Self {
            rounds: 3,
            span: Duration::from_millis(1500),
            idle: 9000,
            peers: Vec::new(),
            proxy: None,
            here: false,
            only: Vec::new(),
        };
        let mut benched = false;
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("{argument} of what?"));
            let mut number = || -> Result<usize, String> {
                let text = value()?;
                text.parse().map_err(|error| format!("{text}: {error}"))
            };
            match argument.as_str() {
                // What `cargo bench` adds; `cargo test --benches` does not, and wants no figures.
                "--bench" => benched = true,
                "--help" => return Ok(Wanted::Text(HELP)),
                "--quick" => {
                    (options.rounds, options.idle) = (1, 200);
                    options.span = Duration::from_millis(200);
                }
                "--rounds" => options.rounds = number()?.max(1),
                "--idle" => options.idle = number()?.max(1),
                "--ms" => options.span = Duration::from_millis(number()?.max(50) as u64),
                "--only" => options.peers.push(value()?.clone()),
                "--proxy" => options.proxy = Some(value()?.into()),
                "--here" => options.here = true,
                part if PARTS.contains(&part) => options.only.push(part.to_owned()),
                other => return Err(format!("{other}: no such flag\n{HELP}")),
            }
        }
        Ok(if benched {
            Wanted::Run(options)
        } else {
            Wanted::Text("nothing to test here; `cargo bench` measures")
        })
    }

    pub(crate) fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|one| one == part)
    }
}

const PARTS: [&str; 5] = ["setups", "bulk", "trips", "manners", "idle"];
const HELP: &str = "\
cargo bench -p narrows-benches --bench proxies -- [setups] [bulk] [trips] [manners] [idle] [flags]

  --rounds N       turns of everything that is compared [3]
  --ms N           length of one measurement [1500]
  --idle N         idle tunnels [9000, or as many as the descriptors allow]
  --only NAME      only this one takes part; may be repeated
  --proxy PATH     this narrows-proxy instead of one built for the purpose
  --here           stay in the machine's own network
  --quick          a rehearsal: little of everything, figures of no worth";
