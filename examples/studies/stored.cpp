// A study's findings to JSON and back.
#include "examples/studies/stored.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "lib/text.h"

namespace qkv::examples {

using Json = nlohmann::ordered_json;

std::string study_json(const Study& study, const StudyOptions& options,
                       const std::vector<std::vector<Point>>& points) {
  Json json = {{"study", study.name},
               {"question", study.question},
               {"setting", study.setting},
               {"quick", options.quick},
               {"seeds", options.seeds}};
  const std::vector<Words> jobs = study.jobs(options);
  for (size_t i = 0; i < jobs.size(); ++i) {
    Json list = Json::array();
    for (const Point& point : points[i]) list.push_back(Json::parse(point_json(point)));
    json["jobs"].push_back({{"words", jobs[i]}, {"points", list}});
  }
  const Results results(points);
  for (const Figure& figure : study.figures) {
    for (const std::string& line : results.lines()) {
      for (const double x : results.xs()) {
        const Spread s = results.at(line, x, figure.measure);
        if (s.count == 0) continue;
        json["spreads"].push_back(  // what is no number becomes null
            {{"measure", figure.measure},
             {"line", line},
             {"x", x},
             {"count", s.count},
             {"mean", s.mean},
             {"deviation", s.deviation},
             {"low", s.low},
             {"high", s.high}});
      }
    }
  }
  for (const Claim& claim : study.claims(results)) {
    json["claims"].push_back({{"claim", claim.text}, {"holds", claim.holds}});
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Stored parse_study_json(const Study& study, const std::string& file, const std::string& text) {
  const auto refuse = [&](const auto&... why) {
    throw std::runtime_error(lib::str("study: ", lib::escaped(file), ": ", why...));
  };
  Stored stored;
  std::vector<Words> jobs;
  try {
    const Json json = Json::parse(text);
    if (json.at("study") != study.name) {
      refuse("it holds the study '", lib::escaped(json.at("study").get<std::string>()), "', not '",
             study.name, "'");
    }
    stored.options.quick = json.at("quick");
    stored.options.seeds = json.at("seeds");
    for (const Json& job : json.at("jobs")) {
      jobs.push_back(job.at("words").get<Words>());
      std::string lines;
      for (const Json& point : job.at("points")) lines += point.dump() + "\n";
      stored.points.push_back(parse_points(study.name, lines));
    }
  } catch (const Json::exception&) {
    refuse("it is not the result.json of a study");
  }
  if (jobs != study.jobs(stored.options)) {
    refuse("its jobs are not those of this version of the study; run it again");
  }
  return stored;
}

}  // namespace qkv::examples
