"""EPAM-Net with Conv3d and the names of tensors of its released checkpoints.

Written from the description of the network, with none of the project's layers: what the
2D form is compared with. Shapes: N clips, C channels, T frames, H x W cells.
"""

import torch
from torch import nn

EXPANSION = 2.25
SQUEEZED = {54: 8, 108: 8, 216: 16, 432: 32}


class ConvBN(nn.Module):
    """Convolution ``conv``, batch norm ``bn``, and ReLU or nothing."""

    def __init__(self, c_in, c_out, kernel=1, stride=1, groups=1, relu=True):
        super().__init__()
        pad = kernel // 2
        self.conv = nn.Conv3d(
            c_in,
            c_out,
            (1, kernel, kernel),
            stride=(1, stride, stride),
            padding=(0, pad, pad),
            groups=groups,
            bias=False,
        )
        self.bn = nn.BatchNorm3d(c_out)
        self.relu = relu

    def forward(self, x):
        x = self.bn(self.conv(x))
        return x.relu() if self.relu else x


class SE(nn.Module):
    """``fc1``, ``fc2`` on the mean over time and space."""

    def __init__(self, channels):
        super().__init__()
        hidden = SQUEEZED.get(channels, 8)
        self.fc1 = nn.Conv3d(channels, hidden, 1)
        self.fc2 = nn.Conv3d(hidden, channels, 1)

    def forward(self, x):
        gate = self.fc2(self.fc1(x.mean((2, 3, 4), keepdim=True)).relu())
        return x * gate.sigmoid()


class Block(nn.Module):
    def __init__(self, c_in, c_out, stride, div, with_se):
        super().__init__()
        mid = int(EXPANSION * c_out)
        self.fold = c_in // div
        self.conv1 = ConvBN(c_in, mid)
        self.conv2 = ConvBN(mid, mid, 3, stride, groups=mid, relu=False)
        if with_se:
            self.se_module = SE(mid)
        self.conv3 = ConvBN(mid, c_out, relu=False)
        if stride != 1 or c_in != c_out:
            self.downsample = ConvBN(c_in, c_out, 1, stride, relu=False)

    def shift(self, x):
        f, out = self.fold, torch.zeros_like(x)
        out[:, :f, :-1] = x[:, :f, 1:]
        out[:, f : 2 * f, 1:] = x[:, f : 2 * f, :-1]
        out[:, 2 * f :] = x[:, 2 * f :]
        return out

    def forward(self, x):
        out = self.conv2(self.conv1(self.shift(x)))
        if hasattr(self, 'se_module'):
            out = self.se_module(out)
        out = self.conv3(out * out.sigmoid())
        skip = self.downsample(x) if hasattr(self, 'downsample') else x
        return (out + skip).relu()


class Stream(nn.Module):
    def __init__(self, in_channels, depths, stem_stride, div, width=24):
        super().__init__()
        self.conv1_s = ConvBN(in_channels, width, 3, stem_stride)
        channels = width
        for index, depth in enumerate(depths):
            out, blocks = width * 2**index, []
            for number in range(depth):
                stride = 2 if number == 0 else 1
                blocks.append(Block(channels, out, stride, div, number % 2 == 0))
                channels = out
            setattr(self, f'layer{index + 1}', nn.Sequential(*blocks))
        self.num_layers = len(depths)
        self.conv5 = ConvBN(channels, int(EXPANSION * channels))

    def forward(self, x):
        x = self.conv1_s(x)
        for index in range(self.num_layers):
            x = getattr(self, f'layer{index + 1}')(x)
        return self.conv5(x)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.spatial = ConvBN(2, 1, 7, relu=False)
        self.spatial.bn.momentum = 0.01
        self.conv_temporal_attention = nn.Conv1d(1, 1, 7, padding=3, bias=False)

    def forward(self, rgb, pose):
        pooled = torch.stack((pose.max(1).values, pose.mean(1)), dim=1)
        cells = self.spatial(pooled).sigmoid()
        frames = self.conv_temporal_attention(cells.mean((3, 4))).sigmoid()
        return rgb + rgb * (cells * frames[:, :, :, None, None])


class Head(nn.Module):
    def __init__(self, channels, num_classes):
        super().__init__()
        self.fc_cls = nn.Linear(channels, num_classes)

    def forward(self, x):
        return self.fc_cls(x.mean((2, 3, 4)))


class EPAMConv3d(nn.Module):
    """Both streams; returns (rgb logits, pose logits). Without dropout."""

    def __init__(
        self,
        num_classes=60,
        num_keypoints=17,
        rgb_depths=(3, 5, 11, 7),
        pose_depths=(5, 11, 7),
        width=24,
    ):
        super().__init__()
        self.rgb_backbone = Stream(3, rgb_depths, 2, 8, width)
        self.pose_backbone = Stream(num_keypoints, pose_depths, 1, 4, width)
        self.attention_module = Attention()
        channels = [
            path.conv5.conv.out_channels
            for path in (self.rgb_backbone, self.pose_backbone)
        ]
        self.rgb_cls_head = Head(channels[0], num_classes)
        self.pose_cls_head = Head(channels[1], num_classes)

    def forward(self, rgb, heatmap):
        pose = self.pose_backbone(heatmap)
        rgb = self.rgb_backbone(rgb)
        step = pose.shape[2] // rgb.shape[2]
        rgb = self.attention_module(rgb, pose[:, :, ::step])
        return self.rgb_cls_head(rgb), self.pose_cls_head(pose)


def randomize(model, seed=0):
    """Move norms away from where they start, so that every tensor counts."""
    generator = torch.Generator().manual_seed(seed)
    for name, x in model.state_dict().items():
        if 'num_batches' in name:
            continue
        noise = torch.rand(x.shape, generator=generator, dtype=torch.float64)
        if '.bn.' in name:
            x.copy_(0.5 + noise)
        elif x.ndim == 1:
            x.copy_(noise - 0.5)
    return model
