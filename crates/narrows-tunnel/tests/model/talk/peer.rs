//! A peer: says what its plan has it say, listens meanwhile, and tells how it went.

use std::cell::Cell;
use std::io;
use std::pin::pin;

use narrows_tunnel::{Side, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::watch;

use super::carrier::Carrier;
use super::plan::{Ending, PeerPlan, Say};
use crate::noise::{MOST, Way, noise};

/// What one peer knows when it is over.
#[derive(Debug)]
pub(super) struct Played {
    /// What its system took from it, early data too.
    pub(super) said: u64,
    pub(super) heard: u64,
    pub(super) end: Heard,
}

/// How what it heard came to an end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Broke(io::ErrorKind),
    Fin,
    /// It went away itself.
    Left,
    /// Other octets than were said, after so many right ones.
    Wrong(u64),
}

/// What has been heard so far, and whether there is no more to come.
#[derive(Clone, Copy, Default)]
struct Progress {
    octets: u64,
    over: bool,
}

/// How its saying came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    All,
    Broke,
    Leaves { resets: bool },
}

pub(super) async fn play(side: Side, io: Carrier, plan: &PeerPlan) -> Played {
    let (mut reader, mut writer) = split(io);
    let (tells, hears) = watch::channel(Progress::default());
    let said = Cell::new(plan.early as u64);
    let (mut ended, mut heard) = (None, None);
    {
        let mut saying = pin!(say(Way::sent_by(side), &mut writer, plan, &said, hears));
        let mut hearing = pin!(hear(Way::heard_by(side), &mut reader, plan, &tells));
        while !matches!(ended, Some(Said::Leaves { .. })) && (ended.is_none() || heard.is_none()) {
            tokio::select! {
                end = &mut saying, if ended.is_none() => ended = Some(end),
                // A system tells of a reset once: after a write has learnt of it, reading finds an end.
                end = &mut hearing, if heard.is_none() => heard = Some(match end {
                    Heard::Fin if ended == Some(Said::Broke) => Heard::Broke(io::ErrorKind::BrokenPipe),
                    end => end,
                }),
            }
        }
    }
    let mut io = reader.unsplit(writer);
    if let Some(Said::Leaves { resets: true }) = ended {
        io.reset_on_drop();
    }
    let heard_in_all = tells.borrow().octets;
    Played {
        said: said.get(),
        heard: heard_in_all,
        end: heard.unwrap_or(Heard::Left),
    }
}

async fn say(
    way: Way,
    io: &mut WriteHalf<Carrier>,
    plan: &PeerPlan,
    said: &Cell<u64>,
    mut hears: watch::Receiver<Progress>,
) -> Said {
    for say in &plan.says {
        let went = match *say {
            Say::Heard(octets) => has_heard(&mut hears, octets).await,
            Say::Octets(octets) => say_octets(way, io, octets, said).await.is_ok(),
            Say::Yield(times) => {
                for _ in 0..times {
                    tokio::task::yield_now().await;
                }
                true
            }
        };
        if !went {
            return Said::Broke;
        }
    }
    if matches!(plan.ending, Ending::Fin | Ending::FinReset(_)) && io.shutdown().await.is_err() {
        return Said::Broke;
    }
    match plan.ending {
        Ending::Cut => Said::Leaves { resets: false },
        Ending::Fin => Said::All,
        Ending::FinReset(octets) => {
            if has_heard(&mut hears, octets).await {
                Said::Leaves { resets: true }
            } else {
                Said::All
            }
        }
        Ending::Reset => Said::Leaves { resets: true },
    }
}

/// Waits for so much; false when it does not come any more.
async fn has_heard(hears: &mut watch::Receiver<Progress>, octets: u64) -> bool {
    let enough = |progress: &Progress| progress.over || progress.octets >= octets;
    let progress = hears.wait_for(enough).await;
    progress.is_ok_and(|progress| progress.octets >= octets)
}

async fn say_octets(
    way: Way,
    io: &mut WriteHalf<Carrier>,
    mut octets: usize,
    said: &Cell<u64>,
) -> io::Result<()> {
    while octets > 0 {
        let taken = io.write(noise(way, said.get(), octets.min(MOST))).await?;
        said.set(said.get() + taken as u64);
        octets -= taken;
    }
    io.flush().await
}

/// Listens to the end, and tells how far it is.
async fn hear(
    way: Way,
    io: &mut ReadHalf<Carrier>,
    plan: &PeerPlan,
    tells: &watch::Sender<Progress>,
) -> Heard {
    let mut buffer = vec![0; MOST];
    let mut heard = 0;
    let mut reads = plan.reads.iter().cycle();
    let end = loop {
        let most = *reads.next().unwrap();
        match io.read(&mut buffer[..most]).await {
            Ok(0) => break Heard::Fin,
            Ok(octets) if buffer[..octets] != *noise(way, heard, octets) => {
                break Heard::Wrong(heard);
            }
            Ok(octets) => heard += octets as u64,
            Err(error) => break Heard::Broke(error.kind()),
        }
        tells.send_modify(|progress| progress.octets = heard);
    };
    tells.send_modify(|progress| progress.over = true);
    end
}
