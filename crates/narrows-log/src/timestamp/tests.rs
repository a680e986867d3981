use proptest::prelude::*;

use super::*;

#[test]
fn utc_is_z_and_offsets_are_whole_minutes() {
    for (ms, offset, text) in [
        (0, 0, "1970-01-01T00:00:00.000Z"),
        (-1, 0, "1969-12-31T23:59:59.999Z"),
        (
            1_721_214_886_339,
            -7 * 3600,
            "2024-07-17T04:14:46.339-07:00",
        ),
        (
            1_709_164_800_000,
            5 * 3600 + 45 * 60,
            "2024-02-29T05:45:00.000+05:45",
        ),
        (0, 59, "1970-01-01T00:00:00.000Z"),
        (0, -61, "1969-12-31T23:59:00.000-00:01"),
        (i64::MAX, i32::MAX, "9999-12-31T23:59:59.999+23:59"),
        (i64::MIN, i32::MIN, "0000-01-01T00:00:00.000-23:59"),
        (i64::MIN, 0, "0000-01-01T00:00:00.000Z"),
    ] {
        let time = Timestamp::new(ms, offset);
        assert_eq!(time.to_string(), text);
        assert_eq!(text.parse(), Ok(time));
    }
}

#[test]
fn parts_come_back() {
    let time = Timestamp::new(1_721_214_886_339, -7 * 3600);
    assert_eq!(time.unix_ms(), 1_721_214_886_339);
    assert_eq!(time.offset_seconds(), -7 * 3600);
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "",
        "2024-07-17T04:14:46.339",
        "2024-07-17T04:14:46-07:00",
        "2024-07-17T04:14:46.33-07:00",
        "2024-07-17T04:14:46.3390-07:00",
        "2024-07-17 04:14:46.339-07:00",
        "2024-02-30T04:14:46.339Z",
        "2023-02-29T04:14:46.339Z",
        "2024-00-17T04:14:46.339Z",
        "2024-13-17T04:14:46.339Z",
        "2024-07-00T04:14:46.339Z",
        "2024-07-17T24:14:46.339Z",
        "2024-07-17T04:60:46.339Z",
        "2024-07-17T04:14:60.339Z",
        "2024-07-17T04:14:46.339z",
        "2024-07-17T04:14:46.339+24:00",
        "2024-07-17T04:14:46.339+0700",
        "+024-07-17T04:14:46.339Z",
        "2024-07-17T04:14:46.339é",
        "2024-07-17T04:14:46.33é",
    ] {
        assert_eq!(text.parse::<Timestamp>(), Err(TimestampError), "{text:?}");
    }
}

proptest! {
    #[test]
    fn calendar_agrees_with_another(ms in YEAR_0 + DAY..YEAR_9999 - DAY, minutes in -1439i32..1440) {
        let time = Timestamp::new(ms, minutes * 60);
        let offset = jiff::tz::Offset::from_seconds(minutes * 60).unwrap();
        let other = offset.to_datetime(jiff::Timestamp::from_millisecond(ms).unwrap());
        prop_assert_eq!(&time.to_string()[..23], format!("{other:.3}"));
        prop_assert_eq!(time.to_string().parse(), Ok(time));
    }
}
