#include "fractal.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>

namespace apf::tiles {
namespace {

using Complex = std::complex<double>;

constexpr Complex kCentre{-0.74364085, 0.13182733};
constexpr double kWidth = 0.000225;  // of the picture, in the complex plane
constexpr int kMostIterations = 4000;
constexpr double kEscape = 1e6;  // squared radius; large, so that the smooth count has no seams
constexpr int kSide = 5;         // kSide x kSide samples a pixel

struct Colour {
  double r = 0, g = 0, b = 0;
};
Colour operator*(Colour c, double f) { return {c.r * f, c.g * f, c.b * f}; }
Colour operator+(Colour a, Colour b) { return {a.r + b.r, a.g + b.g, a.b + b.b}; }

double to_linear(double s) { return s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4); }
double to_srgb(double l) { return l <= 0.0031308 ? l * 12.92 : 1.055 * std::pow(l, 1 / 2.4) - 0.055; }

Colour hex(unsigned rgb) {
  const auto part = [&](unsigned shift) { return to_linear(((rgb >> shift) & 0xFFU) / 255.0); };
  return {part(16), part(8), part(0)};
}

// A closed ring of colours; `t` counts rounds.
Colour palette(double t) {
  static const std::array<Colour, 8> ring{hex(0x06142E), hex(0x0B3C6F), hex(0x1F8FA6), hex(0xBFE3D0),
                                          hex(0xFFF3D6), hex(0xF6A64B), hex(0xC8452F), hex(0x4A1232)};
  const double place = (t - std::floor(t)) * static_cast<double>(ring.size());
  const auto i = static_cast<std::size_t>(place) % ring.size();
  const double f = place - std::floor(place);
  const double smooth = f * f * (3 - 2 * f);
  return ring.at(i) * (1 - smooth) + ring.at((i + 1) % ring.size()) * smooth;
}

struct Orbit {
  int iterations = kMostIterations;  // that many: inside the set, as far as we can tell
  double re = 0, im = 0;             // z when it escaped
  double d_re = 0, d_im = 0;         // z'
  double stripes = 0, last_stripe = 0;
};

// z -> z^2 + c with its derivative by c, in plain doubles: std::complex would check for infinities each time.
Orbit iterate(double c_re, double c_im) {
  Orbit o;
  double d_re = 1;
  double d_im = 0;
  double re = c_re;
  double im = c_im;
  for (int i = 1; i < kMostIterations; ++i) {
    const double new_d_re = 2 * (re * d_re - im * d_im) + 1;
    d_im = 2 * (re * d_im + im * d_re);
    d_re = new_d_re;
    const double new_re = re * re - im * im + c_re;
    im = 2 * re * im + c_im;
    re = new_re;
    const double squared = re * re + im * im;
    // sin(2 arg z), without a call to the library
    const double stripe = squared > 0 ? 0.5 + re * im / squared : 0.5;
    o.stripes += stripe;
    o.last_stripe = stripe;
    if (squared > kEscape) {
      o.iterations = i;
      break;
    }
  }
  o.re = re;
  o.im = im;
  o.d_re = d_re;
  o.d_im = d_im;
  return o;
}

// Lambert's law on the relief whose slope the derivative gives; the light comes from the upper left.
double light(const Orbit& o) {
  constexpr double height = 1.4;
  const Complex u = Complex{o.re, o.im} / Complex{o.d_re, o.d_im};
  const double length = std::abs(u);
  if (!(length > 0) || !std::isfinite(length)) return 1;
  const double towards = (u.real() * -0.70710678 + u.imag() * 0.70710678) / length;
  return std::max((towards + height) / (1 + height), 0.0);
}

Colour sample(double c_re, double c_im) {
  const Orbit o = iterate(c_re, c_im);
  if (o.iterations == kMostIterations) return hex(0x02060F);
  const double squared = o.re * o.re + o.im * o.im;
  const double part = 1 - std::log2(std::log(squared) / std::log(kEscape));  // 0..1 between two counts
  const double count = o.iterations + part;
  const double mean = o.stripes / o.iterations;
  const double mean_before = o.iterations > 1 ? (o.stripes - o.last_stripe) / (o.iterations - 1) : mean;
  const double stripe = mean_before + (mean - mean_before) * part;
  const double shade = light(o);
  const Colour base = palette(0.56 + 0.12 * std::sqrt(count) + 0.9 * stripe);
  const Colour shine = Colour{1, 0.97, 0.9} * (0.2 * std::pow(shade, 24));
  return base * (0.25 + 0.85 * shade) + shine;
}

std::uint8_t byte(double linear) {
  return static_cast<std::uint8_t>(std::lround(255 * to_srgb(std::clamp(linear, 0.0, 1.0))));
}

Colour pixel(int x, int y, Size picture) {
  const double step = kWidth / picture.width;
  Colour sum;
  for (int sy = 0; sy < kSide; ++sy)
    for (int sx = 0; sx < kSide; ++sx) {
      const double px = x + (sx + 0.5) / kSide - picture.width / 2.0;
      const double py = y + (sy + 0.5) / kSide - picture.height / 2.0;
      sum = sum + sample(kCentre.real() + px * step, kCentre.imag() - py * step);
    }
  return sum * (1.0 / (kSide * kSide));
}

}  // namespace

std::vector<std::uint8_t> render(Box box, Size picture) {
  std::vector<std::uint8_t> rgb;
  rgb.reserve(static_cast<std::size_t>(box.width) * static_cast<std::size_t>(box.height) * 3);
  for (int y = box.y; y < box.y + box.height; ++y)
    for (int x = box.x; x < box.x + box.width; ++x) {
      const Colour c = pixel(x, y, picture);
      rgb.insert(rgb.end(), {byte(c.r), byte(c.g), byte(c.b)});
    }
  return rgb;
}

}  // namespace apf::tiles
