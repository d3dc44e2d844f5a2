//! Sprig's arithmetic with fractions: on decimal numbers, as shopspring/decimal computes, so that `addf 0.1 0.2` is 0.3.

use std::cmp::Ordering;

use super::math::to_float64;
use crate::template::{
    Fault, Value,
    func::{Function, Rest, function},
};

/// How many places a division that does not end is rounded to.
const DIVISION_PLACES: i64 = 16;

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    vec![
        ("add1f", function(|value: Value| calculate(&value, &[Value::Int(1)], Decimal::add))),
        ("addf", function(|values: Rest<Value>| calculate(&Value::Int(0), &values.0, Decimal::add))),
        ("subf", function(|first: Value, values: Rest<Value>| calculate(&first, &values.0, Decimal::subtract))),
        ("mulf", function(|first: Value, values: Rest<Value>| calculate(&first, &values.0, Decimal::multiply))),
        ("divf", function(|first: Value, values: Rest<Value>| calculate(&first, &values.0, Decimal::divide))),
    ]
}

fn calculate(
    first: &Value,
    values: &[Value],
    operation: fn(Decimal, Decimal) -> Result<Decimal, Fault>,
) -> Result<f64, Fault> {
    let first = Decimal::from_float(to_float64(first))?;
    let result =
        values.iter().try_fold(first, |result, value| operation(result, Decimal::from_float(to_float64(value))?))?;
    Ok(result.to_float())
}

/// An exact decimal number: digits times a power of ten.
#[derive(Clone)]
struct Decimal {
    is_negative: bool,
    /// The digits, the lowest first, without zeros at the high end.
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// The shortest decimal number that reads as this float.
    fn from_float(value: f64) -> Result<Self, Fault> {
        if !value.is_finite() {
            let name = if value.is_nan() {
                "NaN"
            } else if value < 0.0 {
                "-Inf"
            } else {
                "+Inf"
            };
            return Err(Fault::new(format!("Cannot create a Decimal from {name}")));
        }
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len() as i64);
        let digits = mantissa.bytes().rev().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
        let exponent = exponent.parse::<i64>().unwrap_or(0) - fraction;
        Ok(Self { is_negative: value < 0.0, digits, exponent }.trimmed())
    }

    /// The nearest float.
    fn to_float(&self) -> f64 {
        let sign = if self.is_negative { "-" } else { "" };
        let digits: String = self.digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        format!("{sign}0{digits}e{}", self.exponent).parse().unwrap_or(0.0)
    }

    fn trimmed(mut self) -> Self {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        self.is_negative &= !self.digits.is_empty();
        self
    }

    /// The digits as they are with this lower exponent.
    fn scaled(&self, exponent: i64) -> Vec<u8> {
        let zeros = usize::try_from(self.exponent - exponent).unwrap_or(0);
        if self.digits.is_empty() {
            return Vec::new();
        }
        std::iter::repeat_n(0, zeros).chain(self.digits.iter().copied()).collect()
    }

    fn add(self, other: Self) -> Result<Self, Fault> {
        let exponent = self.exponent.min(other.exponent);
        let (one, two) = (self.scaled(exponent), other.scaled(exponent));
        let (is_negative, digits) = match (self.is_negative == other.is_negative, compare(&one, &two)) {
            (true, _) => (self.is_negative, sum(&one, &two)),
            (false, Ordering::Less) => (other.is_negative, difference(&two, &one)),
            (false, _) => (self.is_negative, difference(&one, &two)),
        };
        Ok(Self { is_negative, digits, exponent }.trimmed())
    }

    fn subtract(self, other: Self) -> Result<Self, Fault> {
        self.add(Self { is_negative: !other.is_negative, ..other })
    }

    fn multiply(self, other: Self) -> Result<Self, Fault> {
        let mut digits = vec![0; self.digits.len() + other.digits.len()];
        for (at, one) in self.digits.iter().enumerate() {
            let mut carry = 0;
            for (place, digit) in digits.iter_mut().skip(at).enumerate() {
                let total = *digit + carry + one * other.digits.get(place).copied().unwrap_or(0);
                (*digit, carry) = (total % 10, total / 10);
            }
        }
        let is_negative = self.is_negative != other.is_negative;
        Ok(Self { is_negative, digits, exponent: self.exponent + other.exponent }.trimmed())
    }

    /// To 16 places, the last rounded away from zero at one half.
    fn divide(self, other: Self) -> Result<Self, Fault> {
        if other.digits.is_empty() {
            return Err(Fault::new("decimal division by 0"));
        }
        let shift = self.exponent - other.exponent + DIVISION_PLACES;
        let zeros = |count: i64| std::iter::repeat_n(0, usize::try_from(count).unwrap_or(0));
        let dividend: Vec<u8> = zeros(shift).chain(self.digits).collect();
        let divisor: Vec<u8> = zeros(-shift).chain(other.digits).collect();
        let (mut digits, remainder) = quotient(&dividend, &divisor);
        if compare(&sum(&remainder, &remainder), &divisor).is_ge() {
            digits = sum(&digits, &[1]);
        }
        let is_negative = self.is_negative != other.is_negative;
        Ok(Self { is_negative, digits, exponent: -DIVISION_PLACES }.trimmed())
    }
}

fn significant(digits: &[u8]) -> &[u8] {
    let length = digits.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1);
    digits.get(..length).unwrap_or_default()
}

fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let (one, other) = (significant(one), significant(other));
    one.len().cmp(&other.len()).then_with(|| one.iter().rev().cmp(other.iter().rev()))
}

fn sum(one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let places = one.len().max(other.len()) + 1;
    let digit = |digits: &[u8], place: usize| digits.get(place).copied().unwrap_or(0);
    (0..places)
        .map(|place| {
            let total = digit(one, place) + digit(other, place) + carry;
            carry = total / 10;
            total % 10
        })
        .collect()
}

/// The first, which is not less, without the second.
fn difference(one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut borrowed = 0;
    one.iter()
        .enumerate()
        .map(|(place, digit)| {
            let taken = other.get(place).copied().unwrap_or(0) + borrowed;
            borrowed = u8::from(*digit < taken);
            digit + 10 * borrowed - taken
        })
        .collect()
}

/// Long division: the digits of the quotient, and what is left.
fn quotient(dividend: &[u8], divisor: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut remainder: Vec<u8> = Vec::new();
    let mut digits: Vec<u8> = Vec::with_capacity(dividend.len());
    for digit in dividend.iter().rev() {
        remainder.insert(0, *digit);
        let mut times = 0;
        while compare(&remainder, divisor).is_ge() {
            remainder = difference(significant(&remainder), divisor);
            times += 1;
        }
        digits.push(times);
    }
    digits.reverse();
    (digits, remainder)
}
