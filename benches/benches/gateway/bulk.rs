//! Bulk through one tunnel, by the clock and by processor time.

use std::time::{Duration, Instant};

use narrows_benches::table::{ms, number, percentile, print};

use crate::Failure;
use crate::bed::{Bed, Distance};
use crate::leg::Leg;
use crate::options::Options;
use crate::target::{Ask, ask};

/// One contender's figures in one direction, a round each.
#[derive(Debug, Default)]
struct Figures {
    /// MB a second.
    speed: Vec<f64>,
    /// Processor seconds for a GB.
    processor: Vec<f64>,
}

/// Both distances, both directions.
pub(crate) async fn measure(bed: &Bed, options: &Options) -> Result<(), Failure> {
    for distance in [Distance::Near, Distance::Far] {
        let mut legs = bed.contenders(distance, &options.leg).await?;
        if options.leg.is_empty() {
            legs.push(bed.bare(distance).await?);
        }
        for up in [false, true] {
            let rows = compare(&legs, up, options).await?;
            let round_trip = match distance {
                Distance::Near => Duration::ZERO,
                Distance::Far => bed.round_trip(),
            };
            let title = format!(
                "{} MB through one tunnel, {}, round trip {}",
                options.bulk / 1_000_000,
                if up {
                    "to the target"
                } else {
                    "from the target"
                },
                ms(Some(round_trip)),
            );
            let head = ["", "MB/s", "of rustls relay", "CPU s/GB", "of rustls relay"];
            print(&title, &head, &rows);
        }
    }
    Ok(())
}

/// All take turns; the first one is what the others are compared with, round by round.
async fn compare(legs: &[Leg], up: bool, options: &Options) -> Result<Vec<Vec<String>>, Failure> {
    let mut figures: Vec<Figures> = legs.iter().map(|_| Figures::default()).collect();
    for _ in 0..options.rounds {
        for (leg, figures) in legs.iter().zip(&mut figures) {
            let (mut stream, _) = leg.open().await?;
            // The relays answer nothing, so their handshakes may still be under way.
            ask(&mut stream, Ask::Echo).await?;
            let wanted = if up {
                Ask::Up(options.bulk)
            } else {
                Ask::Down(options.bulk)
            };
            let (start, before) = (Instant::now(), leg.processor());
            ask(&mut stream, wanted).await?;
            let took = start.elapsed().as_secs_f64();
            let processor = (leg.processor() - before).as_secs_f64();
            figures.speed.push(options.bulk as f64 / 1e6 / took);
            figures
                .processor
                .push(processor / (options.bulk as f64 / 1e9));
        }
    }
    let rows = legs.iter().zip(&figures).map(|(leg, own)| {
        let mut row = vec![leg.name.clone()];
        row.extend(cells(&own.speed, &figures[0].speed, 0));
        row.extend(cells(&own.processor, &figures[0].processor, 2));
        row
    });
    Ok(rows.collect())
}

/// The median, and that of the ratios to the reference.
fn cells(own: &[f64], reference: &[f64], places: usize) -> [String; 2] {
    let ratios: Vec<f64> = own
        .iter()
        .zip(reference)
        .map(|(own, other)| own / other)
        .collect();
    [
        number(percentile(own, 50), places),
        number(percentile(&ratios, 50), 2),
    ]
}
