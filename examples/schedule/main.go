// A job that EventBridge starts on a schedule: it makes the report of the hour before.
package main

import (
	"encoding/json"
	"fmt"
	"time"

	"lambda-wasm.internal/function"
)

func init() {
	function.Handle(handle)
}

func main() {}

func handle(event []byte, context function.Context) ([]byte, error) {
	var schedule struct {
		DetailType string `json:"detail-type"`
		Time       time.Time
	}
	if err := json.Unmarshal(event, &schedule); err != nil {
		return nil, &function.Failure{Type: "InvalidEvent", Message: err.Error()}
	}
	if schedule.DetailType != "Scheduled Event" {
		return nil, &function.Failure{Type: "InvalidEvent", Message: "not a schedule: " + schedule.DetailType}
	}
	// EventBridge may send an event twice: the time is the event's, so that both make the same report.
	end := schedule.Time.Truncate(time.Hour)
	fmt.Println("making the report of", end.Add(-time.Hour).Format(time.RFC3339))
	return json.Marshal(map[string]time.Time{"from": end.Add(-time.Hour), "to": end})
}
