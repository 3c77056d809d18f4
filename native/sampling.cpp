#include "sampling.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

namespace anaphora {
namespace {

constexpr double INF = std::numeric_limits<double>::infinity();

template <typename To, typename From>
To bits(From from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof(to));
    return to;
}

// e^x for x <= 0, rounded to a multiple of 2^-40. As in kernels/activations.h, e^x = 2^n e^r with n the integer nearest
// to x / ln 2. The Taylor series of e^r has an error below 2^-41.
inline uint64_t weight_of(double x) {
    constexpr double MAGIC = 6755399441055744.0;  // 1.5 * 2^52: adding it leaves the nearest integer in the low bits
    x = x > -30 ? x : -30;                        // the result is below 2^-41 there
    const double shifted = x * 1.4426950408889634 + MAGIC;
    const double r = x - (shifted - MAGIC) * 0.6931471805599453;
    double p = 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r + 1;
    p = p * r + 1;
    p = p * bits<double>((bits<uint64_t>(shifted) << 52) + bits<uint64_t>(1.0));
    return bits<uint64_t>(p + 4096) - bits<uint64_t>(4096.0);  // the last bit of 4096 is 2^-40
}

// The bucket of a weight: its exponent and the first FINE bits of its mantissa.
constexpr int FINE = 3, BUCKETS = 41 << FINE;
inline int bucket(uint64_t weight) { return int(bits<uint64_t>(double(weight)) >> (52 - FINE)) - (1023 << FINE); }

double highest(const double* x, int64_t n) {
    constexpr int LANES = 8;  // separate maxima: comparisons then do not wait for each other
    double most[LANES];
    std::fill_n(most, LANES, -INF);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int lane = 0; lane < LANES; ++lane) most[lane] = x[i + lane] > most[lane] ? x[i + lane] : most[lane];
    for (; i < n; ++i) most[0] = std::max(most[0], x[i]);
    return *std::max_element(most, most + LANES);
}

}  // namespace

void philox(uint32_t (&counter)[4], uint64_t key) {
    uint32_t low = uint32_t(key), high = uint32_t(key >> 32);
    for (int round = 0; round < 10; ++round) {
        const uint64_t a = uint64_t(0xD2511F53) * counter[0], b = uint64_t(0xCD9E8D57) * counter[2];
        counter[0] = uint32_t(b >> 32) ^ counter[1] ^ low, counter[1] = uint32_t(b);
        counter[2] = uint32_t(a >> 32) ^ counter[3] ^ high, counter[3] = uint32_t(a);
        low += 0x9E3779B9, high += 0xBB67AE85;
    }
}

Sampler::Sampler(int64_t tokens) : tokens_(tokens), score_(tokens), weight_(tokens), keys_(tokens), sum_(BUCKETS) {}

uint64_t Sampler::total() const {
    uint64_t sum = 0;
    for (int64_t id = 0; id < tokens_; ++id) sum += weight_.get()[id];
    return sum;
}

// Keeps the first tokens, by descending weight (of equals, the lowest id first), whose measures add up to `goal`; sets
// the weights of the others to 0. The sums of the buckets tell which bucket the last of these tokens is in.
template <typename Measure>
void Sampler::cut(uint64_t goal, const Measure& measure) {
    uint64_t *const weight = weight_.get(), *const sum = sum_.get();
    std::fill_n(sum, BUCKETS, 0);
    for (int64_t id = 0; id < tokens_; ++id)
        if (weight[id]) sum[bucket(weight[id])] += measure(weight[id]);
    int last = BUCKETS - 1;
    for (; last >= 0 && sum[last] < goal; --last) goal -= sum[last];
    if (last < 0) return;  // all tokens together do not reach the goal

    uint64_t *first = keys_.get(), *past = first;
    for (int64_t id = 0; id < tokens_; ++id)
        if (weight[id] && bucket(weight[id]) == last) *past++ = key(id);
    while (past - first > 1) {  // the last token is between them
        uint64_t* const middle = first + (past - first) / 2;
        std::nth_element(first, middle, past, std::greater<uint64_t>());
        uint64_t upper = 0;
        for (const uint64_t* k = first; k < middle; ++k) upper += measure(*k >> ID_BITS);
        if (upper >= goal) past = middle;
        else goal -= upper, first = middle;
    }
    const uint64_t least = *first;
    for (int64_t id = 0; id < tokens_; ++id) weight[id] = key(id) < least ? 0 : weight[id];
}

int64_t Sampler::draw(const float* logits, const uint8_t* seen, const Sampling& by, uint64_t position, uint32_t row) {
    double* const score = score_.get();
    uint64_t* const weight = weight_.get();
    const int64_t V = tokens_;  // a local copy: the compiler cannot know that writes leave a member unchanged
    int wrong = 0;
    for (int64_t id = 0; id < V; ++id) wrong |= logits[id] != logits[id];
    if (wrong) return NOT_NUMBERS;
    for (int64_t id = 0; id < V; ++id) score[id] = logits[id];
    if (const double r = by.repetition_penalty; r != 1)
        for (int64_t id = 0; id < V; ++id)
            if (seen[id]) score[id] = score[id] > 0 ? score[id] / r : score[id] * r;
    if (by.banned)
        for (int64_t id = 0; id < V; ++id)
            if (by.banned[id]) score[id] = -INF;
    const double most = highest(score, V);
    if (most == INF) return NOT_NUMBERS;
    if (most == -INF) return NONE_LEFT;
    if (by.temperature == 0) return std::find(score, score + V, most) - score;

    for (int64_t id = 0; id < V; ++id) weight[id] = weight_of((score[id] - most) / by.temperature);
    if (by.top_k) cut(uint64_t(by.top_k), [](uint64_t) { return 1; });
    if (by.top_p < 1)
        cut(uint64_t(std::max(1.0, std::ceil(by.top_p * double(total())))), [](uint64_t weight) { return weight; });

    uint32_t random[4] = {uint32_t(position), uint32_t(position >> 32), row, 0};
    philox(random, by.seed);
    const unsigned __int128 share = uint64_t(random[1]) << 32 | random[0];  // of 2^64
    const uint64_t target = uint64_t(share * total() >> 64);
    uint64_t sum = 0;
    int64_t id = 0;
    while ((sum += weight[id]) <= target) ++id;
    return id;
}

}  // namespace anaphora
