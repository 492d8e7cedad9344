// SPDX-License-Identifier: Apache-2.0

// One call through LiveKit's Go server SDK: URL KEY SECRET CALL JSON-REQUEST; prints {"ok": …} or {"error": …}.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/twitchtv/twirp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

func call(ctx context.Context, url, key, secret, name string, request []byte) (proto.Message, error) {
	rooms := lksdk.NewRoomServiceClient(url, key, secret)
	dispatch := lksdk.NewAgentDispatchServiceClient(url, key, secret)
	read := func(m proto.Message) {
		if err := protojson.Unmarshal(request, m); err != nil {
			panic(err)
		}
	}
	switch name {
	case "CreateRoom":
		q := &livekit.CreateRoomRequest{}
		read(q)
		return rooms.CreateRoom(ctx, q)
	case "ListRooms":
		q := &livekit.ListRoomsRequest{}
		read(q)
		return rooms.ListRooms(ctx, q)
	case "DeleteRoom":
		q := &livekit.DeleteRoomRequest{}
		read(q)
		return rooms.DeleteRoom(ctx, q)
	case "UpdateRoomMetadata":
		q := &livekit.UpdateRoomMetadataRequest{}
		read(q)
		return rooms.UpdateRoomMetadata(ctx, q)
	case "GetParticipant":
		q := &livekit.RoomParticipantIdentity{}
		read(q)
		return rooms.GetParticipant(ctx, q)
	case "SendData":
		q := &livekit.SendDataRequest{}
		read(q)
		return rooms.SendData(ctx, q)
	case "ListEgress":
		q := &livekit.ListEgressRequest{}
		read(q)
		return lksdk.NewEgressClient(url, key, secret).ListEgress(ctx, q)
	case "CreateDispatch":
		q := &livekit.CreateAgentDispatchRequest{}
		read(q)
		return dispatch.CreateDispatch(ctx, q)
	case "ListDispatch":
		q := &livekit.ListAgentDispatchRequest{}
		read(q)
		return dispatch.ListDispatch(ctx, q)
	case "DeleteDispatch":
		q := &livekit.DeleteAgentDispatchRequest{}
		read(q)
		return dispatch.DeleteDispatch(ctx, q)
	}
	return nil, fmt.Errorf("no call %s", name)
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	answer, err := call(ctx, os.Args[1], os.Args[2], os.Args[3], os.Args[4], []byte(os.Args[5]))
	out := map[string]any{}
	var failed twirp.Error
	if errors.As(err, &failed) {
		out["error"], out["code"] = failed.Msg(), string(failed.Code())
		out["status"] = twirp.ServerHTTPStatusFromErrorCode(failed.Code())
	} else if err != nil {
		out["error"], out["code"], out["status"] = err.Error(), "", 0
	} else {
		text, _ := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(answer)
		out["ok"] = json.RawMessage(text)
	}
	text, _ := json.Marshal(out)
	fmt.Println(string(text))
}
